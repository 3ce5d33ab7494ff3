# Everything: server, client and trainer.          docker build -t unlasting:0.2.0 .
# Without LibTorch, which a server needs only for  docker build -t unlasting:0.2.0 --target slim .
# `evaluator: torchscript` and training:
#
# docker run --rm -p 50051:50051 -v "$PWD/demo-out/thp1:/bundles/default:ro" unlasting:0.2.0
# docker run --rm --entrypoint unlasting-train -v "$PWD:/work" unlasting:0.2.0 fit --help
#
# LIBTORCH puts an official LibTorch in Debian's place, with CUDA where it has CUDA. `slim` then holds of it
# no more than the CUDA runtime and cuBLAS:
#
# docker build -t unlasting:0.2.0-cuda --build-arg LIBTORCH=wheel .
#   LibTorch and CUDA from PyPI (scripts/libtorch.sh has the versions)
# docker build --build-arg LIBTORCH=https://.../libtorch.zip --build-arg LIBTORCH_SHA256=... .
#   an archive; LIBTORCH=libtorch.zip takes it from this folder, under a name that begins with libtorch.
#   One with CUDA needs a BUILD_IMAGE with nvcc.
ARG BUILD_IMAGE=debian:12
ARG RUNTIME_IMAGE=debian:12-slim
ARG LIBTORCH=
ARG LIBTORCH_SHA256=

FROM ${BUILD_IMAGE} AS build
ARG LIBTORCH
ARG LIBTORCH_SHA256
WORKDIR /src
# The packages are a layer of their own: sources change without fetching them again. So is LibTorch.
COPY scripts/install-deps.sh scripts/install-deps.sh
RUN scripts/install-deps.sh --build-only && rm -rf /var/lib/apt/lists/*
COPY LICENSE libtorch* /archives/
COPY scripts/common.sh scripts/libtorch.sh scripts/image.sh scripts/
ENV LIBTORCH_FOLDER=/opt/libtorch
RUN scripts/image.sh libtorch
COPY . .
# .git stays outside: --build-arg BUILD_TAG="$(git describe --tags --always)" says which commit this is.
ARG BUILD_TAG=""
RUN scripts/image.sh programs

FROM ${RUNTIME_IMAGE} AS slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates libgrpc++1.51 libprotobuf32 \
       libabsl20220623 libhdf5-103-1 librdkit1 libprometheus-cpp-core1.0 \
       libprometheus-cpp-pull1.0 libspdlog1.10 libssl3 libhwy1 zlib1g libzstd1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/libraries/programs/ /
COPY --from=build /out/programs/ /usr/local/
# Stops the build where a program needs a library that this stage lacks.
RUN ! ldd /usr/local/bin/unlasting* | grep 'not found'
# Bundles are mounted read-only, where HDF5 cannot take its lock.
ENV HDF5_USE_FILE_LOCKING=FALSE
# Where the container's runtime gives it a device, its driver comes along.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 65532:65532
EXPOSE 50051 9464
ENTRYPOINT ["/usr/local/bin/unlasting-server"]
CMD ["--listen=0.0.0.0:50051", "--admin-listen=0.0.0.0:9464", "--bundle=default=/bundles/default"]

FROM slim AS full
ARG LIBTORCH
USER root
# OpenBLAS by name: the reference BLAS, which apt would take, trains many times slower.
RUN if [ -z "$LIBTORCH" ]; then \
      apt-get update \
      && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
         libtorch1.13 libopenblas0-pthread \
      && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=build /out/libraries/torch/ /
COPY --from=build /out/torch/ /usr/local/
RUN ! ldd /usr/local/lib/unlasting/* | grep 'not found'
USER 65532:65532
