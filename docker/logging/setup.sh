#!/usr/bin/env bash
# setup.sh elasticsearch|kibana : brings what lies in SETUP to a running Elasticsearch, or the views and searches
# to a running Kibana. It may run any number of times: everything is put, nothing is added. ELASTICSEARCH and
# KIBANA name them; TRIES says how often they are asked, once in five seconds, until they answer.
set -euo pipefail
what=${1:?elasticsearch or kibana}
SETUP=${SETUP:-/etc/logging/setup}
GIVEN=${GIVEN:-/run/secrets/logging}
ELASTICSEARCH=${ELASTICSEARCH:-https://elasticsearch:9200}
KIBANA=${KIBANA:-https://kibana:5601}
TRIES=${TRIES:-120}

# Arguments are seen by everybody; this file by its owner.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 077
printf 'user = "elastic:%s"\ncacert = "%s/ca.crt"\nsilent\nshow-error\nmax-time = 60\n' "$(<"$GIVEN/elastic")" "$GIVEN" >"$work/curl"

# ask ARGUMENT... : ends all with what was answered, unless that is a success.
ask() {
  local code
  code=$(curl --config "$work/curl" --output "$work/answer" --write-out '%{http_code}' "$@")
  [[ $code == 2?? ]] && return
  printf '%s: %s\n' "$code" "${*: -1}" >&2
  cat "$work/answer" >&2
  return 1
}

# put PLACE FILE
put() {
  ask --request PUT --header 'content-type: application/json' --data-binary "@$2" "$ELASTICSEARCH/$1"
  printf 'put %s\n' "$1"
}

# until_up PLACE
until_up() {
  local try
  for ((try = 1; try <= TRIES; try++)); do
    if curl --config "$work/curl" --fail --output /dev/null "$1" 2>/dev/null; then return; fi
    sleep "${PAUSE:-5}"
  done
  printf '%s does not answer\n' "$1" >&2
  return 1
}

# user NAME WORD ROLE
user() {
  printf '{"password":"%s","roles":["%s"]}' "$2" "$3" >"$work/body"
  put "_security/user/$1" "$work/body"
}

# each KIND PLACE : every file of that kind, by the name it bears.
each() {
  local file name
  for file in "$SETUP/$1"-*.json; do
    name=${file##*/"$1"-}
    put "$2/${name%.json}" "$file"
  done
}

case $what in
  elasticsearch)
    until_up "$ELASTICSEARCH/_cluster/health?wait_for_status=yellow&timeout=30s"
    # First what the others name.
    each ilm _ilm/policy
    each component _component_template
    each template _index_template
    each role _security/role
    for stream in app audit dead; do
      # There already is as good.
      if ! curl --config "$work/curl" --fail --output /dev/null "$ELASTICSEARCH/_data_stream/logs-chat.$stream-default" 2>/dev/null; then
        ask --request PUT "$ELASTICSEARCH/_data_stream/logs-chat.$stream-default"
        printf 'made logs-chat.%s-default\n' "$stream"
      fi
    done
    printf '{"password":"%s"}' "$(<"$GIVEN/kibana")" >"$work/body"
    ask --request POST --header 'content-type: application/json' --data-binary "@$work/body" "$ELASTICSEARCH/_security/user/kibana_system/_password"
    user chat-writer "$(<"$GIVEN/writer")" chat_writer
    user chat-reader "$(<"$GIVEN/reader")" chat_reader
    ;;
  kibana)
    until_up "$KIBANA/api/status"
    # Searches point to views.
    for file in views searches; do
      ask --request POST --header 'kbn-xsrf: setup' --form "file=@$SETUP/$file.ndjson" "$KIBANA/api/saved_objects/_import?overwrite=true"
      grep -qE '"success": *true' "$work/answer" || {
        cat "$work/answer" >&2
        exit 1
      }
      printf 'imported %s\n' "$file"
    done
    ;;
  *)
    printf 'there is no %s\n' "$what" >&2
    exit 2
    ;;
esac
