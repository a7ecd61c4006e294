import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Static files for the fleet server: everything from our own origin, nothing inline, so that the CSP can be strict. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `vite` alone shows the page on a server that runs elsewhere.
  server: { proxy: { '/api': process.env['RINGFLEET_URL'] ?? 'http://127.0.0.1:8080' } },
});
