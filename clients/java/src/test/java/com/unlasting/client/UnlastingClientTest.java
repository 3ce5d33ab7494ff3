package com.unlasting.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.unlasting.v1.ControlPanel;
import com.unlasting.v1.GenePerturbation;
import com.unlasting.v1.Perturbation;
import com.unlasting.v1.PredictRequest;
import com.unlasting.v1.PredictResponse;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Against the built server on a small bundle; UNLASTING_BIN is the folder of the programs. */
class UnlastingClientTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static Process server;
  private static String address;

  @BeforeAll
  static void serve() throws Exception {
    String bin = System.getenv("UNLASTING_BIN");
    Path bundle = Files.createTempDirectory("unlasting").resolve("tiny");
    assertEquals(0, new ProcessBuilder(bin + "/write_tiny_bundle", bundle.toString(), "tiny").inheritIO().start().waitFor());
    server =
        new ProcessBuilder(bin + "/unlasting-server", "--bundle", bundle.toString(), "--listen",
                "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json", "--device", "cpu")
            .redirectErrorStream(true).start();
    BufferedReader log = new BufferedReader(new InputStreamReader(server.getInputStream()));
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      Matcher port = Pattern.compile("\"event\":\"listening\".*\"port\":\"(\\d+)\"").matcher(line);
      if (!port.find()) continue;
      address = "127.0.0.1:" + port.group(1);
      Thread reader = new Thread(() -> log.lines().forEach(each -> {}));
      reader.setDaemon(true);
      reader.start();
      return;
    }
    throw new IllegalStateException("the server ended");
  }

  @AfterAll
  static void stop() {
    server.destroy();
  }

  private static PredictRequest request(String... genes) {
    PredictRequest.Builder request =
        PredictRequest.newBuilder().setPanel(ControlPanel.newBuilder().setCellType("T1").setCells(20));
    for (String gene : genes) {
      request.addPerturbations(
          Perturbation.newBuilder().setGenes(GenePerturbation.newBuilder().addGenes(gene)));
    }
    return request.build();
  }

  @Test
  void partsComeAsAnIterator() {
    try (UnlastingClient client = UnlastingClient.connect(address);
        UnlastingClient.Prediction parts = client.predict(request("G1", "G2"), MINUTE)) {
      long rows = 0;
      boolean finished = false;
      while (parts.hasNext()) {
        PredictResponse part = parts.next();
        rows += part.getProfiles().getMatrix().getRows();
        finished |= part.hasFinished();
      }
      assertEquals(40, rows);
      assertTrue(finished);
      assertEquals("tiny", client.models().get(0).getName());
      assertEquals(24, client.model("").getGenesCount());
    }
  }

  @Test
  void errorsCarryReasonAndFields() {
    try (UnlastingClient client = UnlastingClient.connect(address)) {
      UnlastingException error = assertThrows(UnlastingException.class,
          () -> client.predict(request("NOSUCH", "G1", "NEITHER"), MINUTE));
      assertEquals(Status.Code.NOT_FOUND, error.code());
      assertEquals("UNKNOWN_GENE", error.reason());
      assertEquals(2, error.violations().size());
      assertFalse(error.requestId().isEmpty());
      assertFalse(error.mayPass());
    }
  }

  @Test
  void anAbsentServerIsGivenUp() {
    try (UnlastingClient client = UnlastingClient.connect("127.0.0.1:1").withGiveUp(Duration.ZERO)) {
      UnlastingException error = assertThrows(UnlastingException.class, client::models);
      assertTrue(error.mayPass());
    }
    assertEquals(Duration.ofSeconds(7), UnlastingClient.waitBeforeRetry(1, Duration.ofSeconds(7), 0));
  }
}
