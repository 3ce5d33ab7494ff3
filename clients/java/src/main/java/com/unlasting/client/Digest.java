package com.unlasting.client;

import com.google.protobuf.ByteString;
import com.unlasting.v1.ControlPanel;
import com.unlasting.v1.GenePerturbation;
import com.unlasting.v1.Perturbation;
import com.unlasting.v1.PredictRequest;
import com.unlasting.v1.ProfileChunk;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;

/**
 * Prints the SHA-256 of a prediction of the model's own cells, row after row as float32, for
 * scripts/interop.sh: every language's is the same. Arguments: ADDRESS MODEL CELL_TYPE CELLS GENE.
 */
public final class Digest {
  private Digest() {}

  public static void main(String[] arguments) throws Exception {
    int cells = Integer.parseInt(arguments[3]);
    PredictRequest request =
        PredictRequest.newBuilder()
            .setModel(arguments[1])
            .setPanel(ControlPanel.newBuilder().setCellType(arguments[2]).setCells(cells))
            .addPerturbations(
                Perturbation.newBuilder()
                    .setGenes(GenePerturbation.newBuilder().addGenes(arguments[4])))
            .build();
    ByteString[] rows = new ByteString[cells];
    try (UnlastingClient client = UnlastingClient.connect(arguments[0]);
        UnlastingClient.Prediction parts = client.predict(request, Duration.ofMinutes(1))) {
      while (parts.hasNext()) {
        ProfileChunk chunk = parts.next().getProfiles();
        int width = 4 * (int) chunk.getMatrix().getColumns();
        for (int k = 0; k < chunk.getControlIndicesCount(); ++k) {
          rows[chunk.getControlIndices(k)] =
              chunk.getMatrix().getRaw().getData().substring(k * width, (k + 1) * width);
        }
      }
    }
    MessageDigest sum = MessageDigest.getInstance("SHA-256");
    for (ByteString row : rows) sum.update(row.toByteArray());
    System.out.println(HexFormat.of().formatHex(sum.digest()));
  }
}
