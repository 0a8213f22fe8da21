# What is only for trying it: a mail server that keeps mails instead of delivering them, and the sample shop's loader.
FROM debian:trixie-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --no-create-home --shell /usr/sbin/nologin waybill \
    && install --directory --owner=waybill --group=waybill --mode=0700 /var/lib/mail
COPY tests/support/mail_sink.py /opt/waybill/
COPY deploy/sample /opt/waybill/sample/
USER waybill
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
