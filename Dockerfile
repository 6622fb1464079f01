# The server on an index and a checkpoint that are mounted, not copied:
#   docker build -t movie-recommender .
#   docker run -p 5000:5000 -v "$PWD/data:/app/data:ro" -v "$PWD/tmp:/app/tmp:ro" movie-recommender
FROM python:3.7-slim
WORKDIR /app
COPY requirements.txt .
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
