#!/usr/bin/env bash
# runner.sh : what the suites need of the system, for a hosted runner (Ubuntu, not root, with sudo). A machine of
# your own needs none of it: there .ci/lib.sh installs, or names, what is missing.
set -euo pipefail

# Servers that Debian would start at once: the tests start their own, on ports of their own.
policy=/usr/sbin/policy-rc.d
printf '#!/bin/sh\nexit 101\n' | sudo tee "$policy" >/dev/null
sudo chmod +x "$policy"
sudo apt-get update -qq
sudo DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
  build-essential nginx openssl postgresql prometheus prometheus-alertmanager python3-venv redis-server \
  redis-tools shellcheck
sudo rm "$policy"
# The version that rust-toolchain.toml names, with what it names.
rustup show active-toolchain || rustup toolchain install
