# USER_NAME, KEYS: lines to authorize.
if ! getent passwd "$USER_NAME" >/dev/null; then
  # No password, but not locked: a locked user may not log in by key where PAM isn't used.
  useradd --create-home --user-group --shell /bin/bash --password '*' "$USER_NAME"
fi
getent group docker >/dev/null || groupadd --system docker
[ "$(id -u "$USER_NAME")" = 0 ] || usermod --append --groups docker "$USER_NAME"
home=$(getent passwd "$USER_NAME" | cut -d: -f6)
# A mistake of owner is corrected by root; the files are written by the user, who could have put links there.
for path in "$home/.ssh" "$home/.ssh/authorized_keys"; do
  if [ -e "$path" ] && [ ! -L "$path" ]; then chown --no-dereference "$USER_NAME" "$path"; fi
done
printf '%s\n' "$KEYS" | runuser -u "$USER_NAME" -- sh -c '
  set -eu
  umask 077
  mkdir -p "$1/.ssh"
  chmod 700 "$1/.ssh"
  file=$1/.ssh/authorized_keys
  touch "$file"
  chmod 600 "$file"
  [ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
  while read -r key; do
    if [ -n "$key" ] && ! grep -qxF "$key" "$file"; then echo "$key" >>"$file"; fi
  done' sh "$home"
