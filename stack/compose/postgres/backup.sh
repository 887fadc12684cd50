#!/bin/sh
# A verified dump at the start and every six hours, with the record that the service reads; what
# `python -m instrumentation.demo backup` does, by the database's own image, as the service's has no
# pg_dump. A copy gets its name, and the record, after it was verified. A failure ends the container,
# whose restart tries again.
set -eu
umask 077
cd "$BACKUP_DIR"
while true; do
  draft=.partial.dump
  pg_dump --format=custom --no-password --file="$draft"
  pg_restore --list "$draft" | grep -q 'TABLE DATA'
  path="softfactory-$(date -u +%Y%m%dT%H%M%SZ).dump"
  mv "$draft" "$path"
  printf '{"completed_at": %s, "path": "%s", "bytes": %s}\n' \
    "$(date +%s)" "$BACKUP_DIR/$path" "$(stat -c %s "$path")" >.last-backup.json
  chmod 644 .last-backup.json
  mv .last-backup.json last-backup.json
  find . -name 'softfactory-*.dump' -mtime +7 -delete
  echo "backed up to $path"
  sleep 21600 &
  wait $!
done
