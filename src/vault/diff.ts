import { type OlderHolder, openAtGeneration } from "./audit/older-generation.ts";
import { type Changes, compareItems } from "./changes.ts";
import type { Manifest } from "./format/manifest.ts";
import { type OpenRequest, openManifest, type ReadPorts } from "./open/open-manifest.ts";

export interface DiffRequest extends OpenRequest {
  readonly fromGen: number;
  /** Default: the newest generation. */
  readonly toGen?: number | undefined;
  readonly olderHolder: OlderHolder;
}

export interface Diff {
  readonly manifest: Manifest;
  readonly toGen: number;
  /** The changes from one generation to the other, by name. */
  readonly changes: Changes;
}

/**
 * Compares the items of two generations. Both are decrypted in memory; names come out, never values.
 *
 * @throws what `openManifest` and `openGeneration` throw
 */
export async function diffGenerations(ports: ReadPorts, request: DiffRequest): Promise<Diff> {
  const { manifest } = await openManifest(ports, request);
  const toGen = request.toGen ?? manifest.gen;
  const from = await openAtGeneration(ports.store, manifest, { ...request, gen: request.fromGen });
  const to = await openAtGeneration(ports.store, manifest, { ...request, gen: toGen });
  return { manifest, toGen, changes: compareItems(from.items, to.items) };
}
