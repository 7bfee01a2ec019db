import { vi } from "vitest";
import { describeCrashes } from "./crash-matrix.ts";
import { rotatingUseCases } from "./use-cases.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("./derive-once.ts");
  return derivingOnce(await importActual());
});

for (const useCase of await rotatingUseCases()) await describeCrashes(useCase);
