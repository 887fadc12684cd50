#!/bin/sh
# The password reaches Logstash's environment here, in the container, and so neither the compose file
# nor `docker inspect`. A keystore would need two starts of Java before each start of Logstash.
set -eu
ELASTICSEARCH_PASSWORD="$(cat /run/secrets/logstash_password)"
export ELASTICSEARCH_PASSWORD
exec /usr/local/bin/docker-entrypoint
