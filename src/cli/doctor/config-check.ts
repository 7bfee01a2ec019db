import { configPath, type LocalConfig, loadConfig } from "../config/local-config.ts";
import type { Target } from "../config/target.ts";
import { badOrThrow, type Check, good, warning } from "./check.ts";

/** Whether there is a config that can be used, and that only its owner can read. Returns it, or null. */
export async function* checkConfig(target: Target): AsyncGenerator<Check, LocalConfig | null> {
  const path = configPath(target);
  const exposures: string[] = [];
  try {
    const config = await loadConfig(target, (text) => exposures.push(text));
    yield exposures.length === 0
      ? good("config", `${path} is there, and this user's alone`)
      : warning("config", `${path} can be read by other users`, `chmod 600 ${path}`);
    return config;
  } catch (error) {
    yield badOrThrow("config", error);
    return null;
  }
}
