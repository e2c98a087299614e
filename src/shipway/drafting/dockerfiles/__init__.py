"""Write a Dockerfile and a .dockerignore for an application that has none; one module a framework."""
