#!/bin/sh
# Runs a class of Kafka's: `kafka-run-class.sh kafka.tools.StorageTool random-uuid`.
# The options are lists of words, so they are not quoted.
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:-} ${KAFKA_OPTS:-} -cp '/opt/kafka/libs/*' "$@"
