import { listDotenvEnvs } from "../config/dotenv-files.ts";
import { listEnvs } from "../config/local-config.ts";
import { segmentFault } from "../config/paths.ts";
import { resolveRepo, resolveTarget, type Target, type TargetInput, workingFolder } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";

/** Which vault `init` is about: on a terminal the env is asked for where no flag names it. @throws as `resolveTarget` */
export async function initTarget(input: TargetInput, { prompter, output }: SecretSources): Promise<Target> {
  if (input.flags.env !== undefined || !prompter.isInteractive) return resolveTarget(input);
  const repo = await resolveRepo(input);
  output.say(`Sets up a vault for ${repo} here, or joins your team's. Ctrl-C changes nothing.`);
  const suggestion = await suggestedEnv(repo);
  const check = (answer: string): string | null => segmentFault(answer.trim());
  const env = await prompter.text({ message: "Environment:", default: suggestion, check });
  return { repo, env: env.trim() };
}

/** One that the folder has a dotenv file for, and this machine no config. */
async function suggestedEnv(repo: string): Promise<string> {
  const [configured, dotenvEnvs] = await Promise.all([listEnvs(repo), listDotenvEnvs(workingFolder())]);
  const usual = [...dotenvEnvs, "dev", "prod"];
  return usual.find((env) => !configured.includes(env)) ?? "dev";
}
