# DROP_IN, SECONDS_TO_CONFIRM: put into force; the host goes back after that time unless it is confirmed.
for pending in /run/shipway/ssh.pending.*; do # of a process that was killed meanwhile
  [ ! -e "$pending" ] || /run/shipway/ssh-revert "${pending##*.}"
done
file=/etc/ssh/sshd_config.d/10-shipway.conf
mkdir -p /run/sshd /etc/ssh/sshd_config.d
rm -f /run/shipway/ssh.before
[ ! -f "$file" ] || cp -p "$file" /run/shipway/ssh.before
write /run/shipway/ssh-revert 700 <<'REVERT'
#!/bin/sh
mv "/run/shipway/ssh.pending.$1" /run/shipway/ssh.reverted 2>/dev/null || exit 0
file=/etc/ssh/sshd_config.d/10-shipway.conf
if [ -f /run/shipway/ssh.before ]; then mv /run/shipway/ssh.before "$file"; else rm -f "$file"; fi
if [ -d /run/systemd/system ]; then systemctl try-reload-or-restart ssh.service; else service ssh reload; fi
REVERT
: >"/run/shipway/ssh.pending.$TOKEN"
after "$SECONDS_TO_CONFIRM" /run/shipway/ssh-revert "$TOKEN"
printf '%s\n' "$DROP_IN" | write "$file" 644
if ! sshd -t; then
  /run/shipway/ssh-revert "$TOKEN"
  exit 1
fi
if [ -d /run/systemd/system ]; then systemctl try-reload-or-restart ssh.service; else service ssh reload; fi
