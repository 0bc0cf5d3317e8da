// Jest's transformer: what esbuild makes of TypeScript and modules.
const { transformSync } = require('esbuild');

module.exports = {
  process(text, file) {
    const loader = /\.tsx?$/.test(file) ? 'tsx' : 'jsx';
    return transformSync(text, { loader, format: 'cjs', jsx: 'automatic', target: 'node20', sourcemap: 'inline', sourcefile: file });
  },
};
