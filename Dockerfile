# The server on an index and a checkpoint that are mounted, not copied:
#   docker build -t movie-recommender .
#   docker run -p 5000:5000 -v "$PWD/data:/app/data:ro" -v "$PWD/tmp:/app/tmp:ro" movie-recommender
# With TensorFlow 2.15, on x86-64 or arm64 (from another machine: --platform linux/arm64):
#   docker build --build-arg TF=2 -t movie-recommender .
ARG TF=1

FROM python:3.7-slim AS tensorflow1
WORKDIR /app
COPY requirements.txt .

FROM python:3.11-slim AS tensorflow2
WORKDIR /app
COPY requirements-tf2-linux-x86_64.txt requirements-tf2-linux-arm64.txt ./
# openTSNE has no wheel for Linux on arm64, so that pip compiles it.
RUN [ $(uname -m) = x86_64 ] || { apt-get update && apt-get install -y --no-install-recommends g++; }
RUN mv requirements-tf2-linux-$(uname -m | sed s/aarch64/arm64/).txt requirements.txt

FROM tensorflow${TF}
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY bert bert
COPY recommender recommender
COPY serving serving
COPY server.py LICENSE NOTICE ./
RUN python -m compileall -q bert recommender serving && \
    useradd --create-home --shell /usr/sbin/nologin films
USER films
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/healthz', timeout=2)"]
ENTRYPOINT ["python", "server.py", "--host", "0.0.0.0"]
CMD ["--index", "data/index.h5", "--workers", "2"]
