// A sample of what test/slow/tampering.test.ts does with every byte.
import { tamper } from '../../support/tampering.ts';

tamper(17);
