/** Packages of the desktop app. Everything is bundled into dist/, so no package of node_modules travels along. */
const { version } = require('../package.json');

/** A runtime given by hand (ELECTRON_OVERRIDE_DIST_PATH) may be another version than the pinned one. */
const runtime = process.env.COTERIE_ELECTRON_VERSION;

module.exports = {
  appId: 'app.coterie.desktop',
  productName: 'Coterie',
  copyright: 'Copyright © 2026 The Coterie authors',
  buildVersion: version,
  ...(runtime ? { electronVersion: runtime } : {}),
  directories: { output: 'release', buildResources: 'build' },
  files: [
    'dist/**/*',
    '!dist/**/*.map',
    '!dist/.built',
    'build/icons/icon-32.png',
    'package.json',
    'LICENSE',
    '!node_modules/**/*',
  ],
  asar: true,
  npmRebuild: false,
  nodeGypRebuild: false,
  // Only the pinned release is known to carry the fuse wire and to check the archive.
  disableAsarIntegrity: runtime !== undefined,
  electronFuses: runtime
    ? null
    : {
        runAsNode: false,
        enableCookieEncryption: true,
        enableNodeOptionsEnvironmentVariable: false,
        enableNodeCliInspectArguments: false,
        enableEmbeddedAsarIntegrityValidation: true,
        onlyLoadAppFromAsar: true,
        grantFileProtocolExtraPrivileges: false,
      },
  linux: {
    target: ['AppImage', 'deb'],
    category: 'Utility',
    icon: 'build/icons/icon.png',
    maintainer: 'The Coterie authors',
    synopsis: 'A replicated key-value store made of the computers people already have',
    executableName: 'coterie-desktop',
  },
  win: { target: ['nsis'], icon: 'build/icons/icon.ico' },
  nsis: {
    oneClick: false,
    perMachine: true,
    allowToChangeInstallationDirectory: true,
    include: 'build/installer/firewall.nsh',
  },
  mac: {
    target: ['dmg', 'zip'],
    icon: 'build/icons/icon.icns',
    category: 'public.app-category.utilities',
    hardenedRuntime: true,
    extendInfo: {
      NSLocalNetworkUsageDescription:
        'Coterie finds the other computers of your cluster on the local network.',
    },
  },
  publish: null,
};
