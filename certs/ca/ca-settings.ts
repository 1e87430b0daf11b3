import { XpsError } from '../../base/errors.ts';
import type { CaFolder } from './ca-folder.ts';
import type { StatusUrls } from './profiles.ts';

/** What a CA remembers between two runs beside its certificates: `ca.json`. */
export interface CaSettings {
  readonly version: 1;
  readonly name: string;
  /** Number of the newest CRL, complete or delta: one sequence for both (RFC 5280 §5.2.3). */
  readonly crlNumber: number;
  /** Number of the newest complete CRL, on which a delta is based. */
  readonly baseCrlNumber: number;
  readonly crlDays: number;
  readonly urls: StatusUrls;
}

const SETTINGS_FILE = 'ca.json';

export async function readSettings(folder: CaFolder): Promise<CaSettings> {
  const text = await folder.read(SETTINGS_FILE);
  if (text === undefined) throw new XpsError('ca_missing', { detail: folder.path });
  try {
    const settings = JSON.parse(text) as CaSettings;
    const isWhole = settings.version === 1 && Number.isSafeInteger(settings.crlNumber) && Number.isSafeInteger(settings.baseCrlNumber);
    if (isWhole && settings.crlDays > 0) return settings;
  } catch {
    // Reported below, like JSON of another kind.
  }
  throw new XpsError('ca_folder_unusable', { detail: `${folder.file(SETTINGS_FILE)} is not what pki init wrote` });
}

export async function writeSettings(folder: CaFolder, settings: CaSettings): Promise<void> {
  await folder.write(SETTINGS_FILE, `${JSON.stringify(settings, null, 2)}\n`);
}
