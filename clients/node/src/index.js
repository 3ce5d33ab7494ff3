export { Client } from "./client.js";
export { UnlastingError } from "./errors.js";
export { decodeMatrix, encodeMatrix } from "./matrix.js";
