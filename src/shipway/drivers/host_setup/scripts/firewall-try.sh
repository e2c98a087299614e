# RULES: loaded; the host goes back to the present ones after SECONDS_TO_CONFIRM unless they are confirmed.
for pending in /run/shipway/firewall.pending.*; do # of a process that was killed meanwhile
  [ ! -e "$pending" ] || /run/shipway/firewall-revert "${pending##*.}"
done
printf '%s\n' "$RULES" | write /run/shipway/firewall.nft 600
nft --check --file /run/shipway/firewall.nft
nft list table inet shipway >/run/shipway/firewall.before 2>/dev/null || : >/run/shipway/firewall.before
write /run/shipway/firewall-revert 700 <<'REVERT'
#!/bin/sh
# Only one of this and the confirmation gets the file.
mv "/run/shipway/firewall.pending.$1" /run/shipway/firewall.reverted 2>/dev/null || exit 0
nft delete table inet shipway 2>/dev/null
nft --file /run/shipway/firewall.before
REVERT
: >"/run/shipway/firewall.pending.$TOKEN"
after "$SECONDS_TO_CONFIRM" /run/shipway/firewall-revert "$TOKEN"
nft --file /run/shipway/firewall.nft
