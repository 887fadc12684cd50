#!/bin/bash
# Be a node of Elasticsearch. Every environment variable with a dot in its name is a setting
# (cluster.name=logs), and ES_JAVA_OPTS are flags for Java, as in the official image.
set -euo pipefail
home=/usr/share/elasticsearch

case "${1:-}" in
    '' | elasticsearch | eswrapper) ;;
    *) exec "$@" ;;
esac

declare -A settings=()
while IFS= read -r line; do
    settings["${line%%: *}"]=${line#*: }
done <"$home/config/elasticsearch.yml"

ignored=()
# From env and not by name, as a shell has no variables with dots.
while IFS='=' read -r -d '' name value; do
    case "$name" in
        xpack.* | ingest.geoip.* | ELASTIC_PASSWORD | ELASTIC_PASSWORD_FILE)
            ignored+=("$name")
            ;;
        *[!a-zA-Z0-9._]* | .* | [A-Z]*) ;;
        *.*)
            value=${value//\\/\\\\}
            settings["$name"]="\"${value//\"/\\\"}\""
            ;;
    esac
done < <(env --null)
if [ ${#ignored[@]} -gt 0 ]; then
    echo "docker-entrypoint.sh: this stand-in of Elasticsearch has no security: anyone may ask it;" \
        "ignored: $(printf '%s\n' "${ignored[@]}" | sort | tr '\n' ' ')"
fi

# The configuration of this start is kept apart, so that the image may be read-only.
work=$(mktemp --directory)
mkdir "$work/config" "$work/tmp"
for name in "${!settings[@]}"; do
    echo "$name: ${settings[$name]}"
done >"$work/config/elasticsearch.yml"

mapfile -t flags <"$home/config/java-flags"
classes=$home/config/classes.jsa
if [ -e "$classes" ]; then
    flags+=("-XX:SharedArchiveFile=$classes")
fi
jars=("$home"/lib/*.jar)
# Half of the container's memory unless ES_JAVA_OPTS says otherwise; unquoted: it is several flags.
exec java --enable-native-access=ALL-UNNAMED -XX:MaxRAMPercentage=50 "${flags[@]}" ${ES_JAVA_OPTS:-} \
    -Djava.io.tmpdir="$work/tmp" \
    -classpath "$(IFS=:; echo "${jars[*]}")" Main "$work/config"
