/** The product's version, from the one place that names it. */
import manifest from '../../package.json' with { type: 'json' };

export const productVersion: string = manifest.version;
