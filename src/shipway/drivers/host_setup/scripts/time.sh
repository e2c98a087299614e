# TIME_SERVICES: the first one that is installed.
for service in $TIME_SERVICES; do
  if [ -e "/lib/systemd/system/$service.service" ] || [ -e "/usr/lib/systemd/system/$service.service" ]; then
    enable "$service.service"
    [ ! -d /run/systemd/system ] || systemctl start "$service.service"
    exit 0
  fi
done
echo "no time service is installed"
exit 1
