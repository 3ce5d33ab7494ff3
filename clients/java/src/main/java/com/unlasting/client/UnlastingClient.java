package com.unlasting.client;

import com.unlasting.v1.GetModelRequest;
import com.unlasting.v1.ListModelsRequest;
import com.unlasting.v1.Model;
import com.unlasting.v1.ModelServiceGrpc;
import com.unlasting.v1.ModelSummary;
import com.unlasting.v1.PredictRequest;
import com.unlasting.v1.PredictResponse;
import com.unlasting.v1.PredictionServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A connection to a server; any thread.
 *
 * <pre>{@code
 * try (UnlastingClient client = UnlastingClient.connect("127.0.0.1:50051");
 *     UnlastingClient.Prediction parts = client.predict(request, Duration.ofMinutes(1))) {
 *   while (parts.hasNext()) use(parts.next());
 * }
 * }</pre>
 *
 * Every error of a call is an {@link UnlastingException}.
 */
public final class UnlastingClient implements AutoCloseable {
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

  private final ManagedChannel channel;
  private final Metadata metadata = new Metadata();
  private Duration giveUp = Duration.ofMinutes(10);

  private UnlastingClient(ManagedChannel channel) {
    this.channel = channel;
  }

  /** HOST:PORT in plaintext. Nothing is connected before the first call. */
  public static UnlastingClient connect(String address) {
    return connect(address, InsecureChannelCredentials.create());
  }

  /** HOST:PORT with credentials, e.g. TlsChannelCredentials.create(). */
  public static UnlastingClient connect(String address, ChannelCredentials credentials) {
    return new UnlastingClient(
        Grpc.newChannelBuilder(address, credentials)
            .maxInboundMessageSize(64 << 20)
            .keepAliveTime(1, TimeUnit.MINUTES)
            .build());
  }

  /** Sends `authorization: Bearer TOKEN` with every call. */
  public UnlastingClient withToken(String token) {
    metadata.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return this;
  }

  /** From when on a busy or absent server is given up; zero tries once. */
  public UnlastingClient withGiveUp(Duration after) {
    giveUp = after;
    return this;
  }

  /**
   * The parts of a prediction as they come. It is tried again until the first part; a stream that
   * ends without its part `finished` throws DATA_LOSS. Closing it ends the call in the server.
   */
  public Prediction predict(PredictRequest request, Duration timeout) {
    return retrying(
        () -> {
          Prediction parts = new Prediction();
          parts.start(request, timeout);
          return parts;
        });
  }

  /** The models in service. */
  public List<ModelSummary> models() {
    return retrying(
        () ->
            call(ModelServiceGrpc.newBlockingStub(channel))
                .listModels(ListModelsRequest.getDefaultInstance())
                .getModelsList());
  }

  /** One model in full; "": the only one. */
  public Model model(String name) {
    return retrying(
        () ->
            call(ModelServiceGrpc.newBlockingStub(channel))
                .getModel(GetModelRequest.newBuilder().setModel(name).build())
                .getModel());
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  private <S extends AbstractStub<S>> S call(S stub) {
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private <T> T retrying(Supplier<T> attempt) {
    long began = System.nanoTime();
    for (int failures = 1; ; ++failures) {
      UnlastingException failure;
      try {
        return attempt.get();
      } catch (StatusRuntimeException error) {
        failure = UnlastingException.of(error);
      } catch (UnlastingException error) {
        failure = error;
      }
      if (!failure.mayPass() || System.nanoTime() - began >= giveUp.toNanos()) throw failure;
      sleep(waitBeforeRetry(failures, failure.retryAfter(), ThreadLocalRandom.current().nextDouble()));
    }
  }

  /** Growing, drawn from its upper half by `draw` in [0, 1), and never shorter than the server asks. */
  static Duration waitBeforeRetry(int failures, Duration servers, double draw) {
    double grown =
        Math.min(LONGEST_WAIT.toMillis(), FIRST_WAIT.toMillis() * Math.pow(2, Math.min(failures - 1, 60)));
    Duration own = Duration.ofMillis((long) (grown * (0.5 + 0.5 * draw)));
    return own.compareTo(servers) > 0 ? own : servers;
  }

  private static void sleep(Duration wait) {
    try {
      Thread.sleep(wait.toMillis());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new UnlastingException(Status.Code.CANCELLED, "interrupted", interrupted);
    }
  }

  /** The parts of one prediction. One thread. */
  public final class Prediction implements Iterator<PredictResponse>, AutoCloseable {
    private final Context.CancellableContext context = Context.current().withCancellation();
    private Iterator<PredictResponse> parts;
    private boolean finished;

    private void start(PredictRequest request, Duration timeout) {
      Context before = context.attach();
      try {
        parts =
            call(PredictionServiceGrpc.newBlockingStub(channel))
                .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                .predict(request);
        parts.hasNext(); // waits for the first part, or for the refusal
      } finally {
        context.detach(before);
      }
    }

    @Override
    public boolean hasNext() {
      try {
        if (parts.hasNext()) return true;
      } catch (StatusRuntimeException error) {
        throw UnlastingException.of(error);
      }
      if (finished) return false;
      throw new UnlastingException(
          Status.Code.DATA_LOSS, "the response ended before its last message", null);
    }

    @Override
    public PredictResponse next() {
      try {
        PredictResponse part = parts.next();
        finished |= part.hasFinished();
        return part;
      } catch (StatusRuntimeException error) {
        throw UnlastingException.of(error);
      }
    }

    @Override
    public void close() {
      context.cancel(null);
    }
  }
}
