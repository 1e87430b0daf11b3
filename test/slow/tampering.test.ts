// Every byte of every handshake message flipped, each cut at every length.
import { tamper } from '../support/tampering.ts';

tamper(1);
