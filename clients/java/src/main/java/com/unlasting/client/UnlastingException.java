package com.unlasting.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What a server says of a call that failed. */
public final class UnlastingException extends RuntimeException {
  /** A bad field of a request. */
  public record Violation(String field, String description, String reason) {}

  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private final Status.Code code;
  private final List<Violation> violations = new ArrayList<>();
  private String reason = "";
  private String requestId = "";
  private Duration retryAfter = Duration.ZERO;

  UnlastingException(Status.Code code, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  static UnlastingException of(StatusRuntimeException error) {
    UnlastingException found =
        new UnlastingException(
            error.getStatus().getCode(), String.valueOf(error.getStatus().getDescription()), error);
    Metadata trailers = error.getTrailers();
    if (trailers == null) return found;
    String id = trailers.get(REQUEST_ID);
    if (id != null) found.requestId = id;
    byte[] details = trailers.get(DETAILS);
    if (details == null) return found;
    try {
      for (Any detail : com.google.rpc.Status.parseFrom(details).getDetailsList()) found.add(detail);
    } catch (InvalidProtocolBufferException unreadable) {
      // What a newer server or a proxy puts there does not hide the error itself.
    }
    return found;
  }

  private void add(Any detail) throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      reason = detail.unpack(ErrorInfo.class).getReason();
    } else if (detail.is(BadRequest.class)) {
      for (BadRequest.FieldViolation each : detail.unpack(BadRequest.class).getFieldViolationsList()) {
        violations.add(new Violation(each.getField(), each.getDescription(), each.getReason()));
      }
    } else if (detail.is(RetryInfo.class)) {
      var delay = detail.unpack(RetryInfo.class).getRetryDelay();
      retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
    }
  }

  public Status.Code code() {
    return code;
  }

  /** A stable word, e.g. UNKNOWN_GENE; "" where there is none. */
  public String reason() {
    return reason;
  }

  /** Each bad field of the request. */
  public List<Violation> violations() {
    return List.copyOf(violations);
  }

  /** How long a busy server asks to wait; zero where it does not ask. */
  public Duration retryAfter() {
    return retryAfter;
  }

  /** By which the server's log knows the call. */
  public String requestId() {
    return requestId;
  }

  /** Whether the same call may do well later. What the server says of the request stays true. */
  public boolean mayPass() {
    return switch (code) {
      case UNAVAILABLE, ABORTED, DATA_LOSS -> true;
      case RESOURCE_EXHAUSTED -> !retryAfter.isZero();
      case INTERNAL, UNKNOWN -> reason.isEmpty();
      default -> false;
    };
  }
}
