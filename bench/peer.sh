#!/bin/bash
# Starts Conexizan on loopback to be measured, or stops it; the interface of the yardstick's peers/*.sh.
#   peer.sh start|stop WORKDIR
# Environment: PORT=29222 (STARTTLS, PORT+1 direct TLS, PORT+2 or S2S_PORT other servers)  ADDRESS  DOMAIN  DOMAIN256  USERS
#   XLOAD (makes the credentials)  MAM=off (nothing is archived) or sql
set -eu
ACTION=${1:?usage: $0 start|stop WORKDIR}
WORK=$(mkdir -p "${2:?usage: $0 start|stop WORKDIR}" && cd "$2" && pwd)
HERE=$(cd "$(dirname "$0")/.." && pwd)
ADDRESS=${ADDRESS:-127.0.0.1} PORT=${PORT:-29222} USERS=${USERS:-20000}
S2S_PORT=${S2S_PORT:-$((PORT + 2))}
DOMAIN=${DOMAIN:-localhost} DOMAIN256=${DOMAIN256:-sha256.localhost}

stop() {
  [ -f "$WORK/pid" ] || return 0
  pid=$(cat "$WORK/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$WORK/pid"
}

make_certificate() { # one for all domains, as the other peers have
  [ -f "$WORK/cert.pem" ] && return
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 \
    -keyout "$WORK/key.pem" -out "$WORK/cert.pem" -subj "/CN=$DOMAIN" \
    -addext "subjectAltName=DNS:$DOMAIN${DOMAIN256:+,DNS:$DOMAIN256},DNS:conference.$DOMAIN" 2>/dev/null
}

# What ends like an address and is none is no domain here (between servers only $DOMAIN is used).
hosts="\"$DOMAIN\""
case $DOMAIN256 in *.[0-9] | *.[0-9][0-9]) DOMAIN256= ;; *) hosts="$hosts, \"$DOMAIN256\"" ;; esac

write_config() { # limits and shapers off, as for the other peers
  cat >"$WORK/conexizan.toml" <<T
data = "data"
hosts = [$hosts]
[listen]
c2s = ["$ADDRESS:$PORT"]
c2sTls = ["$ADDRESS:$((PORT + 1))"]
s2s = ["$ADDRESS:$S2S_PORT"]
s2sTls = false
https = false
# The servers that are measured have addresses for domains, and certificates of nobody.
[s2s]
networks = ["127.0.0.0/8"]
exceptions = ["127.0.0.12", "127.0.0.13"]
rate = "1GiB"
burst = "1GiB"
[limits]
connections = 60000
connectionsPerNetwork = 60000
rate = "1GiB"
burst = "1GiB"
[tls]
certificate = { cert = "cert.pem", key = "key.pem" }
[auth]
sha1 = true
iterations = 4096
[modules.muc]
newRooms = "public"
occupants = 5000
messages = 1000000000
deliveries = 1000000000
[modules.pubsub]
changes = 1000000
[modules.pubsub-service]
changes = 1000000
[modules.retention]
usual = "$([ "${MAM:-off}" = off ] && echo delivered || echo 7d)"
T
}

provision() { # provision DOMAIN MECHANISM
  "${XLOAD:?set XLOAD to the xload program}" creds --mech "$2" --password pass --salt xload-salt-0001 --iterations 4096 >"$WORK/credential.json"
  "$HERE/bin/with-node" "$HERE/bench/provision.ts" "$WORK/conexizan.toml" "$1" "$USERS" "$WORK/credential.json"
}

case $ACTION in
start)
  stop
  make_certificate
  write_config
  if [ ! -f "$WORK/provisioned" ]; then
    provision "$DOMAIN" SCRAM-SHA-1
    [ -z "$DOMAIN256" ] || provision "$DOMAIN256" SCRAM-SHA-256
    touch "$WORK/provisioned"
  fi
  ulimit -n 65536 2>/dev/null || true
  "$HERE/bin/conexizan" serve --config "$WORK/conexizan.toml" >"$WORK/out" 2>&1 </dev/null &
  echo $! >"$WORK/pid"
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/$ADDRESS/$((PORT + 1))") 2>/dev/null && exit 0
    kill -0 "$(cat "$WORK/pid")" 2>/dev/null || break
    sleep 0.1
  done
  echo "no server on port $((PORT + 1)); see $WORK/out" >&2
  exit 1
  ;;
stop) stop ;;
esac
