/** Client of the Unlasting prediction service. Fields have the names of proto/unlasting/v1, in camel case. */

export interface RetryPolicy {
  /** Seconds to wait after the first failure. Default 0.2. */
  first?: number;
  /** Longest wait in seconds. Default 30. */
  longest?: number;
  /** From one wait to the next. Default 2. */
  factor?: number;
  /** Seconds without anything arriving after which it is given up; 0 tries once. Default 600. */
  giveUp?: number;
}

export interface ClientOptions {
  /** For `authorization: Bearer`. */
  token?: string;
  /** PEM contents; {}: the system's authorities; absent: plaintext. */
  tls?: { ca?: Buffer; cert?: Buffer; key?: Buffer };
  retry?: RetryPolicy;
  /** Metadata of every call, e.g. {"x-request-id": "..."}. */
  metadata?: Record<string, string>;
  /** Channel options of grpc-js. */
  options?: Record<string, string | number>;
}

export interface Violation { field: string; description: string; reason: string }

/** Every error of a call. */
export class UnlastingError extends Error {
  /** Canonical code, e.g. "NOT_FOUND". */
  code: string;
  /** Stable word, e.g. "UNKNOWN_GENE"; "" where there is none. */
  reason: string;
  /** Each bad field of the request. */
  violations: Violation[];
  /** Seconds that a busy server asks to wait; 0: it does not ask. */
  retryAfter: number;
  /** Of google.rpc.ErrorInfo. */
  metadata: Record<string, string>;
  /** By which the server's log knows the call. */
  requestId: string;
}

export type DoseUnit = "DOSE_UNIT_PICOMOLAR" | "DOSE_UNIT_NANOMOLAR" | "DOSE_UNIT_MICROMOLAR"
  | "DOSE_UNIT_MILLIMOLAR" | "DOSE_UNIT_MOLAR";

export interface Perturbation {
  genes?: { genes: string[] };
  molecule?: {
    smiles?: string; name?: string; embedding?: { values: number[] };
    dose: { value: number; unit: DoseUnit }; covariates?: Record<string, number>;
  };
  treatment?: { name?: string; vector?: number[]; covariates?: Record<string, number> };
}

export interface Matrix {
  rows: number; columns: number;
  raw?: { elementType: string; data: Buffer };
  packed?: { values: number[] };
  sparse?: { rowOffsets: number[]; columnIndices: number[]; values: number[] };
}

export interface PredictRequest {
  model?: string;
  modelVersion?: string;
  /** One of cells, panel and controlSetId. */
  cells?: {
    matrix: Matrix; genes?: { names: string[] }; geneListHash?: string;
    valueKind: "VALUE_KIND_COUNTS" | "VALUE_KIND_LOG1P"; cellTypes: string[]; cellIds?: string[];
    librarySizes?: number[]; missingGenes?: string; targetSum?: number;
  };
  panel?: { cellType: string; cells?: number; seed?: number | string };
  controlSetId?: string;
  perturbations: Perturbation[];
  options?: Record<string, unknown>;
  priority?: "PRIORITY_INTERACTIVE" | "PRIORITY_BULK";
}

export interface ResolvedPerturbation {
  label: string; condition: string; smiles: string; doseMicromolar: number;
  seenInTraining: boolean; notes: string[];
}

export interface PredictHeader {
  model: string; modelVersion: string; bundleHash: string; genes: string[]; valueKind: string;
  targetSum: number; notes: string[]; perturbations: ResolvedPerturbation[];
  controls: { cellIds: string[]; cellTypes: string[]; cellTypeIndices: number[];
              missingGenes: string[]; ignoredGenes: number };
}

export interface ProfileChunk {
  perturbationIndices: number[]; controlIndices: number[]; matrix: Matrix;
  /** [rows * columns], row after row: log1p values, one row per index above. */
  values: Float32Array;
}

export interface PerturbationSummary {
  perturbationIndex: number; mean: number[]; controlMean: number[]; activeShare: number[];
  log2FoldChange: number[]; standardDeviation: number[]; changeStandardError: number[];
  rankedGenes: { gene: string; score: number; log2FoldChange: number; meanDifference: number }[];
}

/** One of these is there. */
export interface PredictPart {
  header?: PredictHeader;
  perturbations?: { first: number; perturbations: ResolvedPerturbation[] };
  profiles?: ProfileChunk;
  summary?: PerturbationSummary;
  progress?: { evaluationsDone: number; evaluationsTotal: number; perturbationsDone: number };
  finished?: { rows: number; evaluations: number; queueSeconds: number; computeSeconds: number;
               totalSeconds: number };
}

export interface Prediction {
  header: PredictHeader;
  /** Per perturbation [cells * genes], cell after cell in the order of header.controls. */
  profiles: Float32Array[];
  summaries: PerturbationSummary[];
  finished: NonNullable<PredictPart["finished"]>;
}

export interface CallOptions {
  /** Seconds for everything, tries included. */
  timeout?: number;
  /** Ends the call, in the server too. */
  signal?: AbortSignal;
}

export class Client {
  constructor(address?: string, options?: ClientOptions);
  /**
   * The parts of a prediction as they come. It is tried again until the first part; leaving the loop
   * ends the call in the server.
   */
  predict(request: PredictRequest, options?: CallOptions): AsyncGenerator<PredictPart, void, void>;
  /** A whole prediction, tried again from its beginning where the stream breaks. */
  predictAll(request: PredictRequest,
             options?: CallOptions & { onProgress?: (progress: NonNullable<PredictPart["progress"]>) => void }
  ): Promise<Prediction>;
  models(): Promise<Record<string, unknown>[]>;
  model(name?: string, version?: string): Promise<Record<string, unknown>>;
  /** "SERVING" or "NOT_SERVING". */
  health(service?: string): Promise<string>;
  close(): void;
}

export function decodeMatrix(matrix: Matrix): Float32Array;
export function encodeMatrix(rows: number, columns: number, values: ArrayLike<number>): Matrix;
