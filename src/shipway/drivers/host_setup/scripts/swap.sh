# SIZE: bytes of /swapfile.
file=/swapfile
if [ "$(stat -c %s "$file" 2>/dev/null || echo 0)" != "$SIZE" ]; then
  rm -f "$file"
  umask 077
  fallocate -l "$SIZE" "$file" 2>/dev/null || dd if=/dev/zero of="$file" bs=1000000 count="$((SIZE / 1000000))"
fi
chmod 600 "$file"
[ "$(blkid -p -s TYPE -o value "$file" 2>/dev/null || true)" = swap ] || mkswap "$file"
grep -qE "^$file[[:space:]]" /etc/fstab 2>/dev/null || echo "$file none swap sw 0 0" >>/etc/fstab
swapon "$file"
