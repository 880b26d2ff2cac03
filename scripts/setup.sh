#!/usr/bin/env bash
# Brings a machine to where `make demo` or `make test` can run: npm packages always, Debian packages where they are missing.
# Usage: scripts/setup.sh demo|test. Where it may not install, it lists what is missing and stops; what is only nice to have is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-demo}

say() { printf '%s\n' "$*" >&2; }

# --- Node ---------------------------------------------------------------------------------------------------------------------------------
if ! command -v node >/dev/null || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a >= 24 ? 0 : 1)'; then
  say "Node.js 20.19+, 22.12+ or 24 is needed, with npm; this machine has $(node --version 2>/dev/null || echo none). See https://nodejs.org/en/download"
  exit 1
fi

# --- npm packages: again only when the lock file changed -------------------------------------------------------------------------------------
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi

# --- Debian packages: command, package ---------------------------------------------------------------------------------------------------------
needed=(ip:iproute2 nft:nftables curl:curl unshare:util-linux nsenter:util-linux setpriv:util-linux sysctl:procps)
# Nice to have: the router of the demo's last step.
wanted=(/usr/lib/frr/bgpd:frr)
if [ "$purpose" = test ]; then
  wanted=(/usr/lib/frr/bgpd:frr vtysh:frr bird:bird2 gobgpd:gobgpd gobgp:gobgpd /usr/sbin/bgpctl:openbgpd exabgp:exabgp
    arping:iputils-arping ping:iputils-ping tcpdump:tcpdump conntrack:conntrack prometheus:prometheus)
fi

missing() { # prints the packages of the commands that are not there
  local pair command
  for pair in "$@"; do
    command=${pair%%:*}
    PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null 2>&1 || printf '%s\n' "${pair#*:}"
  done | sort -u
}

lack_needed=$(missing "${needed[@]}")
lack_wanted=$(if [ ${#wanted[@]} -gt 0 ]; then missing "${wanted[@]}"; fi)
if [ -n "$lack_needed$lack_wanted" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # OpenBGPD asks for systemd's user tool; the stand-alone one drags no init system in.
    case " $(echo $lack_wanted) " in *" openbgpd "*) lack_wanted="$lack_wanted systemd-standalone-sysusers" ;; esac
    say "installing Debian packages: $(echo $lack_needed $lack_wanted)"
    # Daemons are started by the tests, in namespaces of their own, never by the package.
    policy=/usr/sbin/policy-rc.d
    made_policy=0
    if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made_policy=1; fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists at hand"
    for package in $lack_needed $lack_wanted; do
      apt-get install -y -qq --no-install-recommends "$package" >/dev/null || say "could not install $package"
    done
    if [ $made_policy = 1 ]; then rm -f $policy; fi
  fi
  lack_needed=$(missing "${needed[@]}")
  lack_wanted=$(if [ ${#wanted[@]} -gt 0 ]; then missing "${wanted[@]}"; fi)
  if [ -n "$lack_needed" ]; then
    say "missing on this machine: $(echo $lack_needed). Install with: apt-get install $(echo $lack_needed)"
    exit 1
  fi
  [ -z "$lack_wanted" ] || say "missing, so what needs them is left out: $(echo $lack_wanted)"
fi
