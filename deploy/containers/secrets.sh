#!/bin/sh
# Makes the secrets that compose.yml hands to the containers; one that is there already stays.
# Each is a file that containers read: the folder keeps other users of this machine out.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets

random() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep() {
  if [ ! -e "secrets/$1" ]; then
    printf '%s\n' "$2" > "secrets/$1"
  fi
  # Users inside containers have other numbers than out here.
  chmod 644 "secrets/$1"
}

keep token "$(random)"
keep redis_url "redis://:$(random)@redis:6379/0"
keep grafana_password "$(random)"
keep front "front=demo:left"
echo "open http://127.0.0.1:8710/?token=$(cat secrets/token) once the containers run"
