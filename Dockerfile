# The server in a container: not root, on a read-only file system.
#
#   docker build --tag vimotion .
#   export VIMOTION_SERVER_KEY=$(openssl rand -hex 24) && echo "$VIMOTION_SERVER_KEY"     # who has the key may come in
#   docker run --rm --read-only --tmpfs /tmp --volume vimotion:/data --publish 127.0.0.1:8765:8765 \
#       --cap-drop ALL --security-opt no-new-privileges --env VIMOTION_SERVER_KEY vimotion
#
# For a GPU, the torch of your CUDA, and the device:
#
#   docker build --tag vimotion-gpu --build-arg TORCH=cu128 .
#   docker run --gpus all … vimotion-gpu serve --host 0.0.0.0 --device cuda
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
# which of PyTorch's builds: cpu, cu126, cu128, …
ARG TORCH=cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/vimotion
WORKDIR /source
COPY constraints.txt ./
# a layer of its own: it is the largest, and stays when only the source changes
RUN grep '^torch==' constraints.txt > torch.txt \
 && /opt/vimotion/bin/pip install --index-url "https://download.pytorch.org/whl/${TORCH}" --requirement torch.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/vimotion/bin/pip install --constraint constraints.txt '.[app,usd,video]' openai

FROM python:${PYTHON}-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin vimotion \
 && install --directory --owner vimotion --group vimotion /data
COPY --from=build /opt/vimotion /opt/vimotion
# all that is ever written lies in /data, and for moments in /tmp
ENV PATH=/opt/vimotion/bin:$PATH HOME=/data VIMOTION_HOME=/data HF_HOME=/data/huggingface HF_HUB_OFFLINE=1 \
    NICEGUI_STORAGE_PATH=/data/nicegui PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz', timeout=8)"]
ENTRYPOINT ["vimotion"]
CMD ["serve", "--host", "0.0.0.0"]
