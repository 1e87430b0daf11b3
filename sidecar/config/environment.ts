import { XpsError } from '../../base/errors.ts';
import { escapeForeign } from '../escape.ts';
import { nearest } from './suggest.ts';

/** The choices that users make by environment variable. */
export interface Environment {
  /** XPS_ENGINE */
  readonly engine: EngineChoice;
  /** XPS_DATA_PLANE */
  readonly dataPlane: DataPlaneChoice;
  /** XPS_SIMD_ISA_MASK, as written; undefined: every instruction set of this machine. The addon reads the names. */
  readonly simdIsaMask: string | undefined;
}

export type EngineChoice = 'auto' | 'native' | 'openssl' | 'portable';
export type DataPlaneChoice = 'auto' | 'native' | 'portable';

const ENGINES: readonly EngineChoice[] = ['auto', 'native', 'openssl', 'portable'];
const DATA_PLANES: readonly DataPlaneChoice[] = ['auto', 'native', 'portable'];

/** Throws `environment_invalid` for a value that is not known: a misspelt choice never falls back silently. */
export function readEnvironment(variables: Readonly<NodeJS.ProcessEnv> = process.env): Environment {
  return Object.freeze({
    engine: choice(variables, 'XPS_ENGINE', ENGINES),
    dataPlane: choice(variables, 'XPS_DATA_PLANE', DATA_PLANES),
    simdIsaMask: isaMask(variables['XPS_SIMD_ISA_MASK']),
  });
}

function choice<T extends string>(variables: Readonly<NodeJS.ProcessEnv>, name: string, choices: readonly T[]): T {
  const value = variables[name];
  if (value === undefined || value === '') return choices[0] as T;
  const found = choices.find((known) => known === value);
  if (found !== undefined) return found;
  const near = nearest(value, choices);
  throw new XpsError('environment_invalid', {
    detail: `${name} is "${escapeForeign(value, 60)}"; expected ${choices.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`,
  });
}

/** Only the form is checked here; which names exist is known by the addon, which refuses others. */
function isaMask(value: string | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (/^[A-Za-z0-9_.+,|-]{1,200}$/.test(value)) return value;
  throw new XpsError('environment_invalid', {
    detail: `XPS_SIMD_ISA_MASK is "${escapeForeign(value, 60)}"; expected names of instruction sets`,
  });
}
