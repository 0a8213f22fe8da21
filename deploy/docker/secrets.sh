#!/bin/sh
# Makes .env beside docker-compose.yml, readable by its owner only, with the random secrets that the containers get.
# What stands there already is kept, so it can be run again after an upgrade that needs more.
set -eu
umask 077
cd "$(dirname "$0")/../.."

hex() {
    od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n'
}

draft=$(mktemp .env.XXXXXX)
trap 'rm -f "$draft"' EXIT
if [ -f .env ]; then
    cat .env > "$draft"
else
    cat > "$draft" << TEXT
# Secrets of the containers, made by deploy/docker/secrets.sh. Never commit it; keep a copy with the backups.
TEXT
fi

added=0
need() { # NAME, PREFIX
    grep -q "^$1=" "$draft" && return
    printf '%s=%s%s\n' "$1" "${2:-}" "$(hex)" >> "$draft"
    added=$((added + 1))
}

need POSTGRES_PASSWORD
for name in CATALOG CART CHECKOUT PAYMENT ORDER FULFILMENT NOTIFICATION SANDBOX_PSP SANDBOX_CARRIER; do
    need WAYBILL_PASSWORD_$name
done
for name in ADMIN CATALOG CART CHECKOUT PAYMENT ORDER FULFILMENT NOTIFICATION STOREFRONT ERP OMS; do
    need WAYBILL_KAFKA_PASSWORD_$name
done
need WAYBILL_IDENTITY_KEY
need WAYBILL_TOKEN_KEY
for name in CLERK WAREHOUSE FINANCE ADMIN; do
    need WAYBILL_STAFF_KEY_$name
done
for name in ERP OMS; do
    need WAYBILL_PARTNER_KEY_$name
done
need WAYBILL_PSP_KEY sk_test_
need WAYBILL_PSP_WEBHOOK_SECRETS whsec_
need WAYBILL_CARRIER_KEY
need WAYBILL_CARRIER_WEBHOOK_SECRETS

mv "$draft" .env
echo "secrets.sh: $added secrets added to .env"
