# One Kafka broker: the jars that deploy/kafka/pom.xml lists, started by deploy/kafka/run.sh.
FROM debian:trixie-slim AS jars
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates default-jre-headless maven
WORKDIR /jars
COPY deploy/kafka/pom.xml ./
RUN mvn --batch-mode --quiet dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=/jars/libs

FROM debian:trixie-slim
# kcat asks whether the broker answers, and is at hand for looking into topics.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends default-jre-headless kcat \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --user-group --no-create-home --shell /usr/sbin/nologin kafka \
    && install --directory --owner=kafka --group=kafka --mode=0700 /var/lib/kafka
COPY --from=jars /jars/libs /opt/kafka/libs/
COPY deploy/kafka/run.sh deploy/kafka/server.properties deploy/kafka/log4j2.properties /opt/kafka/
USER kafka
ENV KAFKA_LIBS=/opt/kafka/libs KAFKA_HOME=/var/lib/kafka KAFKA_LISTEN=0.0.0.0:9092 KAFKA_ADVERTISED=kafka:9092 \
    KAFKA_CONTROLLER=127.0.0.1:9093
EXPOSE 9092
CMD ["sh", "/opt/kafka/run.sh"]
