# CHOICES: as JSON.
printf '%s\n' "$CHOICES" | write /etc/shipway/host.json 644
