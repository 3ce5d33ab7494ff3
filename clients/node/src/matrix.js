// Matrices to and from the wire.

import { UnlastingError } from "./errors.js";

function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function fromRaw({ elementType, data }, size) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const wide = elementType === "ELEMENT_TYPE_FLOAT32";
  if (data.byteLength !== size * (wide ? 4 : 2)) return undefined;
  const values = new Float32Array(size);
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  for (let k = 0; k < size; ++k) {
    if (wide) {
      values[k] = view.getFloat32(4 * k, true);
    } else if (elementType === "ELEMENT_TYPE_FLOAT16") {
      values[k] = halfToFloat(view.getUint16(2 * k, true));
    } else {
      word[0] = view.getUint16(2 * k, true) << 16;
      values[k] = float[0];
    }
  }
  return values;
}

/** The values of a Matrix message, row after row, as Float32Array [rows * columns]. */
export function decodeMatrix(matrix) {
  const size = matrix.rows * matrix.columns;
  let values = new Float32Array(size);
  if (matrix.encoding === "raw") {
    values = fromRaw(matrix.raw, size);
  } else if (matrix.encoding === "packed") {
    values = matrix.packed.values.length === size ? Float32Array.from(matrix.packed.values) : undefined;
  } else if (matrix.encoding === "sparse") {
    const { rowOffsets, columnIndices, values: stored } = matrix.sparse;
    for (let row = 0; row < matrix.rows; ++row) {
      for (let k = rowOffsets[row]; k < rowOffsets[row + 1]; ++k) {
        values[row * matrix.columns + columnIndices[k]] = stored[k];
      }
    }
  }
  if (values !== undefined) return values;
  throw new UnlastingError(
    `response: a matrix of ${matrix.rows} x ${matrix.columns} does not fit its values`,
    { code: "DATA_LOSS" });
}

/** A Matrix message of `rows` x `columns` values, row after row. */
export function encodeMatrix(rows, columns, values) {
  if (values.length !== rows * columns) {
    throw new UnlastingError(
      `matrix: found ${values.length} values, expected ${rows} x ${columns}`,
      { code: "INVALID_ARGUMENT", reason: "INVALID_SHAPE" });
  }
  const data = Buffer.alloc(4 * values.length);
  for (let k = 0; k < values.length; ++k) data.writeFloatLE(values[k], 4 * k);
  return { rows, columns, raw: { elementType: "ELEMENT_TYPE_FLOAT32", data } };
}
