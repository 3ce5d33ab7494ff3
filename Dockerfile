# Everything: server, client and trainer.          docker build -t unlasting:0.2.0 .
# Without LibTorch, which a server needs only for  docker build -t unlasting:0.2.0 --target slim .
# `evaluator: torchscript` and training:
#
# docker run --rm -p 50051:50051 -v "$PWD/demo-out/thp1:/bundles/default:ro" unlasting:0.2.0
# docker run --rm --entrypoint unlasting-train -v "$PWD:/work" unlasting:0.2.0 fit --help
ARG BUILD_IMAGE=debian:12
ARG RUNTIME_IMAGE=debian:12-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# The packages are a layer of their own: sources change without fetching them again.
COPY scripts/install-deps.sh scripts/install-deps.sh
RUN scripts/install-deps.sh --build-only && rm -rf /var/lib/apt/lists/*
COPY . .
# Installed as cmake/UnlastingInstall.cmake says; /out/torch holds what needs LibTorch.
# .git stays outside: --build-arg BUILD_TAG="$(git describe --tags --always)" says which commit this is.
ARG BUILD_TAG=""
RUN cmake --preset release -DBUILD_TESTING=OFF -DUNLASTING_BUILD_TAG="$BUILD_TAG" \
    && jobs="$(bash -c '. scripts/common.sh && build_jobs')" \
    && cmake --build --preset release --parallel "$jobs" \
    && for component in programs torch; do \
         cmake --install build/release --prefix "/out/$component" --component "$component" \
           --strip || exit 1; \
       done

FROM ${RUNTIME_IMAGE} AS slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates libgrpc++1.51 libprotobuf32 \
       libabsl20220623 libhdf5-103-1 librdkit1 libprometheus-cpp-core1.0 \
       libprometheus-cpp-pull1.0 libspdlog1.10 libssl3 libhwy1 zlib1g libzstd1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/programs/ /usr/local/
# Stops the build where a program needs a library that this stage lacks.
RUN ! ldd /usr/local/bin/unlasting* | grep 'not found'
# Bundles are mounted read-only, where HDF5 cannot take its lock.
ENV HDF5_USE_FILE_LOCKING=FALSE
USER 65532:65532
EXPOSE 50051 9464
ENTRYPOINT ["/usr/local/bin/unlasting-server"]
CMD ["--listen=0.0.0.0:50051", "--admin-listen=0.0.0.0:9464", "--bundle=default=/bundles/default"]

FROM slim AS full
USER root
# OpenBLAS by name: the reference BLAS, which apt would take, trains many times slower.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       libtorch1.13 libopenblas0-pthread \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/torch/ /usr/local/
RUN ! ldd /usr/local/lib/unlasting/* | grep 'not found'
USER 65532:65532
