# The CPU server and its client; neither needs LibTorch. docker build -t unlasting:0.1.0 .
# docker run --rm -p 50051:50051 -v "$PWD/demo-out/thp1:/bundles/default:ro" unlasting:0.1.0
ARG BUILD_IMAGE=debian:12
ARG RUNTIME_IMAGE=debian:12-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
# The packages are a layer of their own: sources change without fetching them again.
COPY scripts/install-deps.sh scripts/install-deps.sh
RUN scripts/install-deps.sh --build-only && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release -DBUILD_TESTING=OFF \
    && jobs="$(bash -c '. scripts/common.sh && build_jobs')" \
    && cmake --build --preset release --parallel "$jobs" \
       --target unlasting-server unlasting \
    && mkdir /out \
    && for program in unlasting-server unlasting; do \
         strip -o "/out/$program" "build/release/bin/$program" || exit 1; \
       done

FROM ${RUNTIME_IMAGE}
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
       ca-certificates libgrpc++1.51 libprotobuf32 \
       libabsl20220623 libhdf5-103-1 librdkit1 libprometheus-cpp-core1.0 \
       libprometheus-cpp-pull1.0 libspdlog1.10 libssl3 libhwy1 zlib1g libzstd1 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/bin/
COPY LICENSE /usr/share/doc/unlasting/LICENSE
# Stops the build where a program needs a library that this stage lacks.
RUN ! ldd /usr/local/bin/unlasting-server /usr/local/bin/unlasting | grep 'not found'
# Bundles are mounted read-only, where HDF5 cannot take its lock.
ENV HDF5_USE_FILE_LOCKING=FALSE
USER 65532:65532
EXPOSE 50051 9464
ENTRYPOINT ["/usr/local/bin/unlasting-server"]
CMD ["--listen=0.0.0.0:50051", "--admin-listen=0.0.0.0:9464", "--bundle=default=/bundles/default"]
