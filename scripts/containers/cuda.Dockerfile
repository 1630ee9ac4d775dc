# For NVIDIA GPUs: torch brings CUDA's libraries, the host its driver. From the project's folder:
# docker build -f scripts/containers/cuda.Dockerfile -t inspire-med:cuda .
FROM python:3.11-slim-bookworm

WORKDIR /opt/inspire-med
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY inspire_med ./inspire_med

# torch first and by itself: what needs it would bring another build. PyPI has the one for CUDA.
RUN pip install --no-cache-dir --constraint constraints.txt torch==2.13.0
RUN pip install --no-cache-dir --constraint constraints.txt '.[train,dicom,export,serve,pretrained]'

RUN useradd --create-home --uid 1000 user
USER user
WORKDIR /home/user
EXPOSE 8000
ENTRYPOINT ["inspire-med"]
CMD ["--help"]
