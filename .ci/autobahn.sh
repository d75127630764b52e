#!/usr/bin/env bash
# The Autobahn conformance suite against /ws/echo. AUTOBAHN names its command, wstest; CASES may
# name groups of cases, the reports go to target/autobahn/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

: "${AUTOBAHN:?names the command of the Autobahn test suite, wstest}"
need_rust
need_node
out=$TARGET/autobahn
rm -rf "$out"
mkdir -p "$out/data"

cargo build --locked --all-features
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(s.address().port); s.close(); });')
HOST=127.0.0.1 PORT=$port CHAT_DATA_DIR=$out/data CHAT_RATE_LIMITS=off \
  "$TARGET/debug/chat" serve >"$out/server.log" 2>&1 </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT

for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || die "The server ended: $(tail -n 5 "$out/server.log")"
  node -e "fetch('http://127.0.0.1:$port/health').then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))" && break
  sleep 0.2
done

# Groups 12 and 13 are about compression, which is not offered.
cat >"$out/spec.json" <<SPEC
{
  "outdir": "$out/reports",
  "servers": [{ "agent": "chat", "url": "ws://127.0.0.1:$port/ws/echo" }],
  "cases": ${CASES:-[\"1.*\", \"2.*\", \"3.*\", \"4.*\", \"5.*\", \"6.*\", \"7.*\", \"9.*\", \"10.*\"]},
  "exclude-cases": [],
  "exclude-agent-cases": {}
}
SPEC
# A command may have words of its own.
read -ra wstest <<<"$AUTOBAHN"
"${wstest[@]}" -m fuzzingclient -s "$out/spec.json"

node - "$out/reports/index.json" <<'JS'
const cases = Object.entries(JSON.parse(require("fs").readFileSync(process.argv[2], "utf8")).chat);
const good = new Set(["OK", "NON-STRICT", "INFORMATIONAL"]);
const bad = cases.filter(([, c]) => !good.has(c.behavior) || !good.has(c.behaviorClose));
for (const [name, c] of bad) console.log(`case ${name}: ${c.behavior}, close ${c.behaviorClose}`);
console.log(`${cases.length} cases, ${bad.length} failed`);
process.exit(cases.length > 0 && bad.length === 0 ? 0 : 1);
JS
