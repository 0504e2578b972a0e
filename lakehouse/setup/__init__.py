"""What a machine needs and how it is fetched. Standard library only: it runs before anything is installed.

Run it as `python3 -m lakehouse.setup [doctor|install|lock-jars|catalogue]`. In reading order:

places      where everything lies: the checkout, `.lake`, the caches
jdks        the installed Java runtimes, and the one a service needs
listeners   who listens on which port, read from /proc
doctor      the checks of a machine, each with its cause and the fixing command
steps       lanes of steps run side by side, with progress and a closing table
environments  Python environments from the hashed locks, by uv
jars        Java artefacts of docker/jars/pom.xml, by Maven, held to locks/jars.txt
dist        Trino unpacked from its two archives
tools       MinIO and process-compose, built by Go from docker/tools
debian      the packages that only the tests need
catalogue   docs/errors.md, from the error classes
"""
