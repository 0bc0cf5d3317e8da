process.env.TZ = 'UTC';
module.exports = {
  testEnvironment: 'jsdom',
  roots: ['<rootDir>/src'],
  setupFiles: ['<rootDir>/test/polyfill.cjs'],
  transform: { '^.+\\.[cm]?[jt]sx?$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } }, target: 'es2023' }, module: { type: 'commonjs' } }] },
  transformIgnorePatterns: [], // Grafana's packages come as modules
  moduleNameMapper: { '\\.css$': '<rootDir>/test/text.cjs' },
};
