// The services of the API, from the descriptor set that ships with the package: nothing is generated.
// scripts/client-descriptors.sh of the repository writes the set, and a test compares it with the protos.

import { readFileSync } from "node:fs";

import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromObject } from "@grpc/proto-loader";
import descriptor from "protobufjs/ext/descriptor/index.js";

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

// proto-loader leaves the names of a descriptor set as they are: value_kind, where JavaScript has valueKind.
function withCamelCase(message) {
  for (const each of [...message.field ?? [], ...message.oneofDecl ?? []]) each.name = camel(each.name);
  message.nestedType?.forEach(withCamelCase);
  return message;
}

const set = descriptor.FileDescriptorSet.decode(
  readFileSync(new URL("./descriptors.binpb", import.meta.url)));
for (const file of set.file) file.messageType.forEach(withCamelCase);

const definition = loadFileDescriptorSetFromObject(
  descriptor.FileDescriptorSet.toObject(set),
  // Counts stay below 2^53; seeds above it are given as strings.
  { longs: Number, enums: String, defaults: true, oneofs: true });

const packages = loadPackageDefinition(definition);

export const PredictionService = packages.unlasting.v1.PredictionService;
export const ModelService = packages.unlasting.v1.ModelService;
export const Health = packages.grpc.health.v1.Health;

/** A function that decodes a message by its full name. */
export function decoderOf(fullName) {
  return definition[fullName].deserialize;
}
