# The worker. Its first lines are those of the API's Dockerfile, so that both share these layers.

FROM python:3.11-slim-bookworm AS base
WORKDIR /app
ENV PYTHONUNBUFFERED=1
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt

FROM base
COPY catalogue catalogue
# The user below can't write here, so what Python would keep for the next start is made now.
RUN python -m compileall -q --invalidation-mode unchecked-hash catalogue
USER 1000:1000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["python", "-m", "catalogue.probe", "worker"]
CMD ["python", "-m", "catalogue.worker"]
