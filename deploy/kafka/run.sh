#!/bin/sh
# Runs one Kafka broker in the foreground; formats its storage the first time.
#
#   KAFKA_LIBS        folder with the jars that deploy/kafka/pom.xml lists
#   KAFKA_HOME        folder for its data and its filled-in configuration
#   KAFKA_LISTEN      address:port for clients
#   KAFKA_ADVERTISED  address:port that clients are told (default: KAFKA_LISTEN)
#   KAFKA_CONTROLLER  address:port for the controller's own traffic
#   KAFKA_HEAP        JVM heap options
#   KAFKA_ADMIN       password of the user admin, who may do everything: letters and digits
#   KAFKA_USERS       more users that may log in by PLAIN: name:password,name:password (default: none)
#
# For tools it leaves admin.properties (Java's) and kcat.conf (kcat -F) in KAFKA_HOME.
set -eu
umask 077

here=$(dirname "$0")
conf=$KAFKA_HOME/server.properties
plain=org.apache.kafka.common.security.plain.PlainLoginModule
# The serial collector is the cheapest on a small machine (docs/adr/0007-broker-settings.md).
java="java ${KAFKA_HEAP:--Xms256m -Xmx512m} -XX:+UseSerialGC"
java="$java -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData -Djava.awt.headless=true"
java="$java -Dlog4j2.configurationFile=$here/log4j2.properties -Dlog4j2.disableJmx=true"

mkdir -p "$KAFKA_HOME/data"
admin="$plain required username=\"admin\" password=\"$KAFKA_ADMIN\""
controllers="$admin user_admin=\"$KAFKA_ADMIN\""
clients=$controllers
for user in $(echo "${KAFKA_USERS:-}" | tr ',' ' '); do
    clients="$clients user_${user%%:*}=\"${user#*:}\""
done
sed -e "s|@LISTEN@|$KAFKA_LISTEN|" -e "s|@ADVERTISED@|${KAFKA_ADVERTISED:-$KAFKA_LISTEN}|" \
    -e "s|@CONTROLLER@|$KAFKA_CONTROLLER|" -e "s|@DATA@|$KAFKA_HOME/data|" "$here/server.properties" > "$conf"
cat >> "$conf" << TEXT
listener.name.clients.plain.sasl.jaas.config=$clients;
listener.name.controller.plain.sasl.jaas.config=$controllers;
TEXT
cat > "$KAFKA_HOME/admin.properties" << TEXT
security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=$admin;
TEXT
cat > "$KAFKA_HOME/kcat.conf" << TEXT
security.protocol=sasl_plaintext
sasl.mechanism=PLAIN
sasl.username=admin
sasl.password=$KAFKA_ADMIN
TEXT

if [ ! -f "$KAFKA_HOME/data/meta.properties" ]; then
    # A Kafka id is 16 random bytes in base64url; one that starts with a dash would look like an option.
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' | sed 's/^-/A/')
    $java -XX:TieredStopAtLevel=1 -cp "$KAFKA_LIBS/*" kafka.tools.StorageTool format -t "$id" -c "$conf"
fi
# Where it is allowed, in turn and not at once when woken (docs/adr/0009-no-pushing-aside.md).
in_turn=
chrt --batch 0 true 2> /dev/null && in_turn="chrt --batch 0"
exec $in_turn $java -cp "$KAFKA_LIBS/*" kafka.Kafka "$conf"
