// Lets a module import a style sheet; the bundler puts them into one.
declare module "*.css";
