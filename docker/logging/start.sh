#!/usr/bin/env bash
# start.sh elasticsearch|logstash|kibana : runs inside the image of that name, in place of its own start, which
# writes into the image. What the image brings is copied to CONF, a folder to be written, with our files beside
# it; passwords come from files, so that no environment shows them to everybody.
set -euo pipefail
what=${1:?elasticsearch, logstash or kibana}
HOME_OF=${HOME_OF:-/usr/share/$what}
GIVEN=${GIVEN:-/run/secrets/logging}
OURS=${OURS:-/etc/logging}
CONF=${CONF:-/tmp/conf}

# A container that was restarted finds what it wrote before.
rm -rf "$CONF"
mkdir -p "$CONF"
cp -R "$HOME_OF/config/." "$CONF/"
chmod -R u+w "$CONF"
rm -f "$CONF"/elasticsearch.keystore
cp "$OURS/$what/"* "$CONF/"

case $what in
  elasticsearch)
    # It reads certificates in its own folder alone.
    mkdir "$CONF/certs"
    cp "$GIVEN"/{ca.crt,tls.crt,tls.key} "$CONF/certs/"
    chmod 0400 "$CONF/certs/"*
    export ES_PATH_CONF=$CONF
    "$HOME_OF/bin/elasticsearch-keystore" create --silent
    # For the user elastic, until setup.sh or an administrator gives another.
    "$HOME_OF/bin/elasticsearch-keystore" add --silent --stdin bootstrap.password <"$GIVEN/elastic"
    exec "$HOME_OF/bin/elasticsearch"
    ;;
  logstash)
    WRITER_WORD=$(<"$GIVEN/writer")
    export WRITER_WORD
    # The reader of dead letters ends at once where there is no such folder yet.
    mkdir -p "$HOME_OF/data/dead_letter_queue/chat"
    exec "$HOME_OF/bin/logstash" --path.settings "$CONF"
    ;;
  kibana)
    KIBANA_WORD=$(<"$GIVEN/kibana")
    KIBANA_KEY=$(<"$GIVEN/kibana-key")
    export KIBANA_WORD KIBANA_KEY KBN_PATH_CONF=$CONF
    exec "$HOME_OF/bin/kibana"
    ;;
  *)
    printf 'there is no %s\n' "$what" >&2
    exit 2
    ;;
esac
